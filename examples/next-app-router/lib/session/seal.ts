import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const nonceLength = 12;
const tagLength = 16;

/**
 * The name a session is kept under. The cookie holds the id, the store only this digest of it:
 * whoever reads the store cannot make a cookie from it.
 */
export function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

/** Encrypts with a key made from both the app's secret and the id, which the store never sees. */
export function seal(text: string, secret: string, id: string): string {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey(secret, id), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url');
}

/** The text, or undefined when it was sealed with other keys or has been changed. */
export function open(sealed: string, secret: string, id: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < nonceLength + tagLength) {
    return undefined;
  }
  const key = encryptionKey(secret, id);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength));
  decipher.setAuthTag(bytes.subarray(-tagLength));
  try {
    const text = decipher.update(bytes.subarray(nonceLength, -tagLength));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function encryptionKey(secret: string, id: string): Buffer {
  if (!secret) {
    throw new Error('sessions kept outside the cookie need LOGTO_COOKIE_SECRET');
  }
  return Buffer.from(hkdfSync('sha256', secret, id, 'session', 32));
}
