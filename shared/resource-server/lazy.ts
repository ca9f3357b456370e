/**
 * Calls `load` at the first call and keeps its result. Calls that arrive while it runs share it; after a failure the next
 * call runs it again.
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
