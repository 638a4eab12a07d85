/** A document, and paths with the values that they find in it, in this order. */
type PathCases = {
  readonly document: unknown;
  readonly paths: readonly (readonly [path: string, values: readonly unknown[]])[];
};

const books = [
  { category: 'reference', author: 'Nigel Rees', title: 'Sayings of the Century', price: 8.95 },
  { category: 'fiction', author: 'Evelyn Waugh', title: 'Sword of Honour', price: 12.99 },
  { category: 'fiction', author: 'Herman Melville', title: 'Moby Dick', isbn: '0-553-21311-3', price: 8.99 },
  {
    category: 'fiction',
    author: 'J. R. R. Tolkien',
    title: 'The Lord of the Rings',
    isbn: '0-395-19395-8',
    price: 22.99,
  },
];
const bicycle = { color: 'red', price: 399 };
const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const filtered = {
  a: [3, 5, 1, 2, 4, 6, { b: 'j' }, { b: 'k' }, { b: {} }, { b: 'kilo' }],
  o: { p: 1, q: 2, r: 3, s: 5, t: { u: 6 } },
  e: 'f',
};
const { a, o } = filtered;
const [j, k, empty, kilo] = [{ b: 'j' }, { b: 'k' }, { b: {} }, { b: 'kilo' }];
const nested = { o: { j: 1, k: 2 }, a: [5, 3, [{ j: 4 }, { k: 6 }]] };

/** What the tables of RFC 9535 say, where something is found. */
export const jsonPathCases: readonly PathCases[] = [
  {
    document: { store: { book: books, bicycle } },
    paths: [
      ['$.store.book[*].author', books.map((book) => book.author)],
      ['$..author', books.map((book) => book.author)],
      ['$.store.*', [books, bicycle]],
      ['$.store..price', [...books.map((book) => book.price), 399]],
      ['$..book[2]', [books[2]]],
      ['$..book[2].author', ['Herman Melville']],
      ['$..book[-1]', [books[3]]],
      ['$..book[0,1]', books.slice(0, 2)],
      ['$..book[:2]', books.slice(0, 2)],
      ['$..book[?@.isbn]', books.slice(2)],
      ['$..book[?@.price<10]', [books[0], books[2]]],
      ['$.store.bicycle["color","price"]', ['red', 399]],
    ],
  },
  {
    document: { o: { 'j j': { 'k.k': 3 } }, "'": { '@': 2 } },
    paths: [
      ["$.o['j j']", [{ 'k.k': 3 }]],
      ["$.o['j j']['k.k']", [3]],
      ['$.o["j j"]["k.k"]', [3]],
      [`$["'"]["@"]`, [2]],
      [String.raw`$['\'']['@']`, [2]],
    ],
  },
  {
    document: letters,
    paths: [
      ['$', [letters]],
      ['$[1]', ['b']],
      ['$[-2]', ['f']],
      ['$[1:3]', ['b', 'c']],
      ['$[5:]', ['f', 'g']],
      ['$[1:5:2]', ['b', 'd']],
      ['$[5:1:-2]', ['f', 'd']],
      ['$[::-1]', letters.toReversed()],
      ['$[0, 3]', ['a', 'd']],
      ['$[0:2, 5]', ['a', 'b', 'f']],
      ['$[0, 0]', ['a', 'a']],
    ],
  },
  {
    document: filtered,
    paths: [
      ["$.a[?@.b == 'kilo']", [kilo]],
      ["$.a[?(@.b == 'kilo')]", [kilo]],
      ['$.a[?@>3.5]', [5, 4, 6]],
      ['$.a[?@.b]', [j, k, empty, kilo]],
      ['$[?@.*]', [a, o]],
      ['$[?@[?@.b]]', [a]],
      ['$.o[?@<3, ?@<3]', [1, 2, 1, 2]],
      ['$.a[?@<2 || @.b == "k"]', [1, k]],
      ['$.a[?match(@.b, "[jk]")]', [j, k]],
      ['$.a[?search(@.b, "[jk]")]', [j, k, kilo]],
      ['$.o[?@>1 && @<4]', [2, 3]],
      ['$.o[?@.u || @.x]', [{ u: 6 }]],
      ['$.a[?@.b == $.x]', [3, 5, 1, 2, 4, 6]],
      ['$.a[?@ == @]', a],
      ['$.a[?length(@.b) == 4]', [kilo]],
      ['$.a[?count(@.*) == 1]', [j, k, empty, kilo]],
      ['$.a[?value(@..b) == "j"]', [j]],
      ['$.a[?!@.b]', [3, 5, 1, 2, 4, 6]],
    ],
  },
  {
    document: nested,
    paths: [
      ['$..j', [1, 4]],
      ['$..[0]', [5, { j: 4 }]],
      ['$..o', [nested.o]],
      ['$.o..[*]', [1, 2]],
      ['$.a..[0, 1]', [5, 3, { j: 4 }, { k: 6 }]],
      ['$.a[2][*]', [{ j: 4 }, { k: 6 }]],
    ],
  },
  {
    document: { a: null, b: [null], c: [{}], null: 1 },
    paths: [
      ['$.a', [null]],
      ['$.b[0]', [null]],
      ['$.b[*]', [null]],
      ['$.b[?@]', [null]],
      ['$.b[?@==null]', [null]],
      ['$.null', [1]],
    ],
  },
  {
    document: { 'ä☃': 1, _x: 2, '1': 3, '': 4, '😀': [5] },
    paths: [
      ['$.ä☃', [1]],
      ['$._x', [2]],
      ["$['1']", [3]],
      ["$['']", [4]],
      [String.raw`$["\uD83D\uDE00"][0]`, [5]],
      ['$ .😀 [ 0 ]', [5]],
    ],
  },
];

/** Texts that the RFC's grammar does not know, many of which other libraries take. */
export const noJsonPaths: readonly string[] = [
  '',
  'a',
  '.a',
  '@.a',
  '$.',
  '$..',
  '$.a.',
  '$a',
  ' $',
  '$ ',
  '$.a b',
  '$[',
  '$[]',
  '$[a]',
  "$['a]",
  '$[01]',
  '$[-0]',
  '$[1.0]',
  '$[1:2:3:4]',
  '$.1',
  '$.-a',
  '$[?]',
  '$[?@.a=1]',
  '$[?@.a === 1]',
  '$[?1]',
  '$[?true]',
  '$[?@.*==1]',
  '$[?length(@.*)<3]',
  '$[?match(@.a)]',
  '$[?unknown(@.a)]',
  '$[(@.length-1)]',
  '$.a^',
  '$.a~',
  '$..*..',
  '$[?(@.a]',
  String.raw`$['\x']`,
];
