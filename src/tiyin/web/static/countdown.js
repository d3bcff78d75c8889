// A countdown that is true after the phone was asleep: it looks at the clock, it does not count its own ticks.

const written = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Shows `{time}` in `words` until it is over, then calls `over`; gives back what stops it. */
export function countdown(element, seconds, words, over) {
  if (!seconds && element.hidden) return () => {};
  const end = performance.now() + seconds * 1000;
  let timer = 0;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    element.textContent = words.replace("{time}", written(left));
    if (left === 0) {
      clearInterval(timer);
      over();
    }
  };
  timer = setInterval(tick, 250);
  tick();
  return () => clearInterval(timer);
}
