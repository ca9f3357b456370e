import type { ListResourceTemplatesResult } from '@modelcontextprotocol/server';
import { filterGranted } from '../granted-features.ts';
import type { McpServerOptions } from '../server-options.ts';
import { listResource } from './list-resources.ts';

/** Answers `resources/templates/list`: the resources with a URI template. */
export async function listResourceTemplates({
  features,
  findGrantedScopes,
}: McpServerOptions): Promise<ListResourceTemplatesResult> {
  const resources = await filterGranted(features.resources, findGrantedScopes);
  return {
    resourceTemplates: resources.flatMap(({ address, ...resource }) =>
      'uriTemplate' in address ? [{ uriTemplate: address.uriTemplate, ...listResource(resource) }] : [],
    ),
  };
}
