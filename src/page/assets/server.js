// Questions to the server.

/** The answer as JSON. */
export async function ask(path, keys = {}) {
  const set = Object.entries(keys).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(set).toString();
  let response;
  try {
    response = await fetch(`/api/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`);
  } catch {
    lost(true);
    throw Object.assign(new Error("the server does not answer"), { help: "is `tessera serve` still running?" });
  }
  lost(false);
  if (response.status === 401) throw Object.assign(new Error("this browser is not let in"), { help: "open the address that `tessera serve` printed" });
  const answer = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
  if (!response.ok) throw Object.assign(new Error(answer.error), { help: answer.help });
  return answer;
}

/** Says that what is shown is old, and since when. */
function lost(is) {
  const words = document.getElementById("lost");
  if (!is) words.hidden = true;
  else if (words.hidden) {
    words.textContent = `No answer from the server since ${new Date().toLocaleTimeString()}: what is shown is old.`;
    words.hidden = false;
  }
}

/** Tells each event of a sweep after a number; gives back what ends it. */
export function listen(sweep, after, tell) {
  const source = new EventSource(`/api/sweeps/${encodeURIComponent(sweep)}/events?after=${encodeURIComponent(after)}`);
  let misses = 0;
  source.onopen = () => { misses = 0; lost(false); };
  source.onmessage = (event) => tell(JSON.parse(event.data));
  source.onerror = () => { misses += 1; if (misses > 1 || source.readyState === EventSource.CLOSED) lost(true); };
  return () => source.close();
}

/** Asks again and again while the page that asks is shown. */
export function repeat(seconds, action) {
  let ended = false, timer;
  const again = async () => {
    if (ended) return;
    if (!document.hidden) await action();
    if (!ended) timer = setTimeout(again, seconds * 1000);
  };
  again();
  return () => { ended = true; clearTimeout(timer); };
}
