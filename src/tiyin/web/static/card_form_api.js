// The card form's calls of the Subscribe API: the desk's public id speaks for it, no cookie goes along.

const PATIENCE_MS = 60_000;

/** The API answered with an error. */
export class Refused extends Error {
  constructor({ code, message, data }) {
    super(typeof message === "string" ? message : "");
    this.code = code;
    this.data = typeof data === "string" ? data : "";
  }
}

/** Nobody knows what came of the call: no answer, or one that is not the API's. */
export class Lost extends Error {}

/** Gives the function that calls methods as a desk and reads answers in a language. */
export function caller(desk, language) {
  let id = 0;
  return async (method, params, key) => {
    const headers = { "Content-Type": "application/json", "X-Auth": desk, "Accept-Language": language };
    if (key) headers["Idempotency-Key"] = key;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    let answer;
    try {
      const response = await fetch("/api", {
        method: "POST",
        headers,
        body: JSON.stringify({ id: ++id, method, params }),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "origin",
        signal: stop.signal,
      });
      answer = await response.json();
    } catch {
      throw new Lost();
    } finally {
      clearTimeout(timer);
    }
    if (answer?.error) throw new Refused(answer.error);
    if (!answer?.result) throw new Lost();
    return answer.result;
  };
}

/** Makes an Idempotency-Key. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
