/** `airtight revoke NAME`: a device, or one of its credentials, counts no more. */
import { isName } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { explainRefusal, IngestClient } from '../ingest-client.ts';

export const revokeCommand = defineCommand({
  name: 'revoke',
  summary: {
    zh: '吊销设备（或其一项凭据），一秒内切断其连接',
    en: 'revoke a device, or one of its credentials; what is connected with it is cut within a second',
  },
  details: {
    zh: '吊销本身是一条记录；历史数据不受影响。airtight enroll --replace 可重新启用该设备。',
    en: 'The revocation is itself a record; what the device has sent stays. airtight enroll --replace takes the device back.',
  },
  operands: 'NAME',
  options: {
    credential: {
      type: 'string',
      value: 'ID',
      doc: { zh: '只吊销这一项凭据', en: 'only this credential' },
    },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [producer, ...more] = operands;
    if (producer === undefined || more.length > 0 || !isName(producer)) {
      throw new UsageError({ zh: '应给出一个设备名', en: 'name one device' });
    }
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const revoked = await explainRefusal(() => ingest.revoke(producer, values.credential), terminal);
    if (revoked === undefined) return EXIT.found;
    if (values.json === true) terminal.json({ producer, record: String(revoked.position) });
    else terminal.say({ zh: `${producer} 已吊销，记录 ${revoked.position}。`, en: `${producer} is revoked, record ${revoked.position}.` });
    return EXIT.ok;
  },
});
