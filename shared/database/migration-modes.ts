/** Who runs the migrations: each process at its start, or a job (`yata migrate`) for which the processes wait. */
export const MIGRATIONS = ['start', 'job'] as const;
