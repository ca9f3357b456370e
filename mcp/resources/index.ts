import type { Resource } from './resource.ts';
import { todayInTimeZoneResource, todayResource } from './today-resource.ts';
import { todoListView } from './todo-list-view.ts';
import { todoResource } from './todo-resource.ts';

/** Every resource, in the order of its listing. */
export const resources: readonly Resource[] = [todayResource, todayInTimeZoneResource, todoResource, todoListView];
