import { bearerRequest } from './bearer-request.ts';
import { OWNER } from './open-todos-database.ts';
import { runContestant } from './run-contestant.ts';
import { startTodoApi } from './start-todo-api.ts';

await runContestant(async (resources) => {
  const { port, todoId, issue } = await startTodoApi(resources);
  const path = process.argv[2] === 'by-id' ? `/api/v1/todos/${todoId}` : '/api/v1/todos';
  return bearerRequest({ port, path, accessToken: await issue(OWNER) });
});
