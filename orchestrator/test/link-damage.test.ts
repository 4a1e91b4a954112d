import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { fromServiceError } from '../src/protocol/error-trailer.js';

function codeOf(details: string): string {
  const error = Object.assign(new Error(details), {
    code: status.UNAVAILABLE,
    details: `No connection established. Last error: Error: ${details}`,
    metadata: new Metadata(),
  });
  return fromServiceError(error).code;
}

describe('a TLS connection that fails', () => {
  it.each([
    '807CC1203A7F0000:error:0A000119:SSL routines:ssl3_get_record:decryption failed or bad record mac:record.c:622:',
    'error:0A0003FC:SSL routines:ssl3_read_bytes:sslv3 alert bad record mac:s3.c:1605:SSL alert number 20',
    'error:0A00010B:SSL routines:ssl3_get_record:wrong version number:record.c:354:',
    'error:0A0000C6:SSL routines:ssl3_get_record:packet length too long:record.c:351:',
    'error:0A0000F4:SSL routines:ossl_statem_client_read_transition:unexpected message:statem.c:398:',
  ])('by damage on the way is worth another try: %s', (details) => {
    expect(codeOf(details)).toBe('ERR_UNREACHABLE');
  });

  it.each([
    'unable to verify the first certificate',
    'certificate has expired',
    'Hostname/IP does not match certificate’s altnames',
    'error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:s3.c:1605:SSL alert number 48',
    'error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:s3.c:1605:SSL alert number 40',
  ])('by a certificate is refused, and stays so: %s', (details) => {
    expect(codeOf(details)).toBe('ERR_TLS_REFUSED');
  });
});
