/** What replaces the data of a finished job. Such a job has no request any more, and cannot be worked on again. */
export const FINISHED_DATA = '{"finished":true}';
