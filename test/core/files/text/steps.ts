/** What something that is done in steps comes to, and in how many. */
export const counted = <T>(steps: Generator<void, T, void>): { value: T; steps: number } => {
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, steps: count };
  }
};

export const last = <T>(steps: Generator<void, T, void>): T => counted(steps).value;
