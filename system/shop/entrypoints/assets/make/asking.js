// What the page asks of our services: a session that ran out is renewed once, and what was refused comes as its problem.
const { refreshSession } = window.alexandrite;

// A problem that a service answered with.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.code ?? String(status));
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }

  // Whether the same question may be answered otherwise in a moment.
  get isMomentary() {
    return this.status >= 500 || this.status === 429;
  }
}

// Nobody answered.
export class Away extends Error {}

export async function ask(method, address, { body, key } = {}) {
  const send = () => sent(method, address, body, key);
  let answer = await send();
  if (answer.status === 401 && (await refreshSession({ unlessWithinMs: 5000 }).catch(() => false))) answer = await send();
  const told = await toldBy(answer);
  if (!answer.ok) throw new Refused(answer.status, told ?? {});
  return told;
}

function sent(method, address, body, key) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  return fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => {
    throw new Away();
  });
}

async function toldBy(answer) {
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

const REST_MS = 2000;

// Does it until somebody answers; `onAway` each time that nobody did. Throws Refused for what will stay refused.
export async function patiently(deed, onAway = () => {}) {
  for (;;) {
    try {
      return await deed();
    } catch (error) {
      if (!(error instanceof Away || (error instanceof Refused && error.isMomentary))) throw error;
      onAway();
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }
}
