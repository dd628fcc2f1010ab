// Calls of the server.

/** Make a call and return its answer. */
export async function call(name, asked, signal) {
  let answer;
  try {
    answer = await fetch(name, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("No answer. Is bytepiece play still running?");
  }
  if (answer.headers.get("Content-Type") !== "application/json") {
    throw new Error(`No answer: ${answer.status} ${answer.statusText}`);
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

/**
 * Return a function that does some work, one at a time. What is asked for meanwhile waits, and only
 * the latest of it is done.
 */
export function latest(work, failed) {
  let running = false;
  let waiting = null;
  return async function ask(...given) {
    waiting = given;
    if (running) return;
    running = true;
    while (waiting) {
      const next = waiting;
      waiting = null;
      try {
        await work(...next);
        failed(null);
      } catch (error) {
        failed(error);
      }
    }
    running = false;
  };
}
