import { runContestant } from './run-contestant.ts';
import { startTodoApi } from './start-todo-api.ts';
import { ownerNames, writeRequest } from './write-request.ts';

// the todo API, which owners write to: the arguments are `create` or `update`, and the number of owners
await runContestant(async (resources) => {
  const [, , kind, owners] = process.argv;
  const { port, issue } = await startTodoApi(resources);
  const accessTokens = await Promise.all(ownerNames(Number(owners)).map(issue));
  return writeRequest({ port, kind: kind === 'update' ? 'update' : 'create', accessTokens });
});
