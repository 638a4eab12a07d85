import { needList } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';

/** GitHub gives no more on one page. */
export const mostPerPage = 100;

/** The rows of a list, from its first page to the last or the last one wanted. Throws what `ForgeHttp.ask` throws. */
export async function askPages<T>(
  http: ForgeHttp,
  call: ForgeCall,
  list: { readonly mostPages: number; readonly readRow: (row: unknown) => T },
): Promise<readonly T[]> {
  const rows: T[] = [];
  for (let page = 1; page <= list.mostPages; page += 1) {
    const query = { ...call.query, per_page: mostPerPage, page };
    const isLast = await http.ask({ ...call, query }, (body, headers) => {
      rows.push(...needList(body).map(list.readRow));
      return !/\brel="next"/u.test(headers.get('link') ?? '');
    });
    if (isLast) break;
  }
  return rows;
}
