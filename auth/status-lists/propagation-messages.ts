import * as z from 'zod';

/**
 * How far a revocation has propagated: the readers that have applied it, and those that have not acknowledged it yet.
 */
export type PropagationState = { readonly confirmed: string[]; readonly pending: string[] };

/**
 * A message between the auth processes on one database. Processes of two versions run side by side during an upgrade,
 * so the members keep their names.
 */
export const PropagationMessage = z.discriminatedUnion('kind', [
  /** A process asks the others how far the revocation `sequence` has propagated. `question` identifies the question. */
  z.object({ kind: z.literal('question'), question: z.string(), sequence: z.number() }),
  /**
   * A process names readers of its own. An answer of many readers comes in several messages, of which one is the last.
   */
  z.object({
    kind: z.literal('answer'),
    question: z.string(),
    confirmed: z.array(z.string()),
    pending: z.array(z.string()),
    last: z.boolean(),
  }),
]);
export type PropagationMessage = z.infer<typeof PropagationMessage>;

/**
 * Names in one message. A name has at most 358 ASCII characters, a client id and the name of a process, and a message at
 * most 7,900 bytes (see `Peers.broadcast`).
 */
const NAMES_PER_MESSAGE = 15;

/** Creates the messages that answer `question`, each short enough to be broadcast. */
export function createAnswers(question: string, { confirmed, pending }: PropagationState): PropagationMessage[] {
  const readers = [
    ...confirmed.map((name) => ({ name, applied: true })),
    ...pending.map((name) => ({ name, applied: false })),
  ];
  const count = Math.max(1, Math.ceil(readers.length / NAMES_PER_MESSAGE));
  return Array.from({ length: count }, (_, i) => {
    const page = readers.slice(i * NAMES_PER_MESSAGE, (i + 1) * NAMES_PER_MESSAGE);
    return {
      kind: 'answer',
      question,
      confirmed: page.filter(({ applied }) => applied).map(({ name }) => name),
      pending: page.filter(({ applied }) => !applied).map(({ name }) => name),
      last: i === count - 1,
    };
  });
}
