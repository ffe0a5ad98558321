import { engagementClock } from "../tracker/engagement_clock";

/** Show the engaged seconds of this page view in `shown`, by the clock of the tracker. */
export function showEngagedTime(shown: HTMLElement): void {
  let spent = 0;
  const clock = engagementClock((milliseconds) => (spent += milliseconds));
  for (const type of ["mousemove", "scroll", "keydown", "touchstart", "pointerdown", "wheel"]) {
    addEventListener(type, () => clock.touch(), { capture: true, passive: true });
  }
  for (const type of ["focus", "blur", "visibilitychange"]) {
    addEventListener(type, () => clock.settle(type === "focus"), { capture: true });
  }
  clock.settle(true);
  setInterval(() => {
    clock.settle();
    const seconds = Math.floor(spent / 1_000);
    shown.textContent = `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
  }, 1_000);
}
