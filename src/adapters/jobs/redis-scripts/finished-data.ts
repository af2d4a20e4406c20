/** What is left of the data of a finished job. A job whose data is this has no request, and is never asked again. */
export const FINISHED_DATA = '{"finished":true}';
