import type { Tool } from '../tools/tool.ts';
import type { FindGrantedScopes } from './server-options.ts';

/** Returns the features that the granted scopes allow, or all features when the granted scopes are not known. */
export async function filterGranted<Feature extends { readonly scope: string | undefined }>(
  features: readonly Feature[],
  findGrantedScopes: FindGrantedScopes,
): Promise<Feature[]> {
  const granted = await findGrantedScopes();
  return features.filter(({ scope }) => granted === undefined || scope === undefined || granted.has(scope));
}

/** Whether the caller can call no tool that changes data. */
export async function canOnlyRead(tools: readonly Tool[], findGrantedScopes: FindGrantedScopes): Promise<boolean> {
  return (await filterGranted(tools, findGrantedScopes)).every(({ annotations }) => annotations.readOnlyHint);
}
