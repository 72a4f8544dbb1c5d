import type { components } from './schema';

/** The API's own shapes by the names the pages use: `Api<'ServiceDetail'>`. */
export type Api<Name extends keyof components['schemas']> = components['schemas'][Name];

/** A name alone may be taken in two environments. */
export interface ServiceName {
  name: string;
  environment: string;
}
