/** All ways to read the body of a `Response`. */
type Unread = Pick<Response, 'arrayBuffer' | 'blob' | 'body' | 'bytes' | 'clone' | 'formData' | 'text'>;

/** The class `Response` without its methods. Its types declare them as properties, which a subclass cannot override. */
const StandardResponse = Response as unknown as new (
  body: null,
  init: ResponseInit,
) => { readonly status: number; readonly headers: Headers };

/**
 * A `Response` whose whole body is available as text. Most replies are read as text, and making a stream costs CPU time
 * (`npm run bench:micro`). So the body becomes a stream only if somebody asks for one.
 */
export class WholeResponse extends StandardResponse implements Unread {
  /** Where the reply came from, after all redirects. */
  readonly url: string;
  /** Whether the body was longer than allowed, so that this is only its beginning. */
  readonly isCut: boolean;
  readonly #text: string | null;
  #wasRead = false;
  #streamed: Response | undefined;

  constructor(text: string | null, init: { status: number; headers: [string, string][]; url: string; isCut: boolean }) {
    super(null, { status: init.status, headers: init.headers });
    this.#text = text;
    this.url = init.url;
    this.isCut = init.isCut;
  }

  get #unread(): Unread {
    if (this.#wasRead) throw new TypeError('Body is unusable: Body has already been read');
    this.#streamed ??= new Response(this.#text, { status: this.status, headers: this.headers });
    return this.#streamed;
  }

  get bodyUsed(): boolean {
    return this.#wasRead || (this.#streamed?.bodyUsed ?? false);
  }

  get body(): Response['body'] {
    return this.#wasRead ? null : this.#unread.body;
  }

  async text(): Promise<string> {
    if (this.#streamed || this.#wasRead) return await this.#unread.text();
    this.#wasRead = true;
    return this.#text ?? '';
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return await this.#unread.arrayBuffer();
  }

  async bytes(): ReturnType<Response['bytes']> {
    return await this.#unread.bytes();
  }

  async blob(): Promise<Blob> {
    return await this.#unread.blob();
  }

  async formData(): Promise<FormData> {
    return await this.#unread.formData();
  }

  clone(): Response {
    return this.#unread.clone();
  }
}
