/** How something stands: well, worth a look, wrong, under way, or of no concern. */
export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'quiet';
