import { apiResource } from '@/app/api-resource';
import { authorize } from '@/lib/bearer';

/** An API that knows nothing about sessions: it could as well run on another machine. */
export async function GET(request: Request) {
  const { claims, refusal } = await authorize(request, {
    audience: apiResource,
    scope: 'read:orders',
  });
  if (refusal) {
    return refusal;
  }
  return Response.json({
    customer: claims.sub,
    orders: [
      { id: 'A-1001', item: 'Brass latch', quantity: 2 },
      { id: 'A-1002', item: 'Blue tile', quantity: 40 },
    ],
  });
}
