import { optional } from '@/lib/env';

/** The API this app calls: the identifier of an API resource on the server. */
export const apiResource = optional('API_RESOURCE', 'https://shopping.your-app.com/api');
