-- While a question has no answer, its key in the cache holds the claim of the request that asks the model: a mark and
-- the request's id. No answer begins with a mark. The claim is a lease: the key expires unless it is renewed. The
-- requests that wait for the answer are in a set beside the key.
--
--     {ai:answer}:{hash}            ?{requestId}    claimed, nobody waits
--                                   !{requestId}    claimed, others wait
--                                   {"response"...  the answer, as JSON
--     {ai:answer}:{hash}:awaiting   set: requestIds of those that wait

local CLAIMED = '?'
local CLAIMED_AND_AWAITED = '!'
local AWAITING = ':awaiting'
