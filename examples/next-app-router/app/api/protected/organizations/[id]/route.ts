import { buildOrganizationUrn } from '@logto/next';
import { authorize } from '@/lib/bearer';

/** Open to the members of one organization: the token's audience says which. */
export async function GET(
  request: Request,
  { params }: RouteContext<'/api/protected/organizations/[id]'>,
) {
  const { id } = await params;
  const { claims, refusal } = await authorize(request, { audience: buildOrganizationUrn(id) });
  if (refusal) {
    return refusal;
  }
  return Response.json({ organization: id, member: claims.sub, permissions: claims.scope ?? '' });
}
