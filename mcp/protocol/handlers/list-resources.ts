import type { ListResourcesResult } from '@modelcontextprotocol/server';
import type { Resource } from '../../resources/resource.ts';
import { filterGranted } from '../granted-features.ts';
import type { McpServerOptions } from '../server-options.ts';

/** Answers `resources/list`: the resources with a fixed URI. */
export async function listResources({ features, findGrantedScopes }: McpServerOptions): Promise<ListResourcesResult> {
  const resources = await filterGranted(features.resources, findGrantedScopes);
  return {
    resources: resources.flatMap(({ address, ...resource }) =>
      'uri' in address ? [{ uri: address.uri, ...listResource(resource) }] : [],
    ),
  };
}

/** The members that the listings of resources and of resource templates have in common. */
export function listResource({ name, title, description, mimeType, meta }: Omit<Resource, 'address'>) {
  return { name, title, description, mimeType, ...(meta && { _meta: meta }) };
}
