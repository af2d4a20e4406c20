-- Redis runs its scripts with Lua 5.1 and these globals.
std = {
  read_globals = {
    'ARGV', 'KEYS', 'assert', 'bit', 'cjson', 'cmsgpack', 'error', 'ipairs', 'next', 'pairs', 'pcall', 'select', 'struct',
    'tonumber', 'tostring', 'type', 'unpack',
    redis = { fields = { 'call', 'pcall', 'error_reply', 'status_reply', 'sha1hex', 'log' } },
    math = { other_fields = true },
    string = { other_fields = true },
    table = { other_fields = true },
  },
}
max_line_length = 120
