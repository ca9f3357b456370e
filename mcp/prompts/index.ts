import { planMyDay } from './plan-my-day.ts';
import type { Prompt } from './prompt.ts';
import { weeklyReview } from './weekly-review.ts';

/** Every prompt, in the order of its listing. */
export const prompts: readonly Prompt[] = [planMyDay, weeklyReview];
