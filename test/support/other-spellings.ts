/** Spellings of a JWT that RFC 7515 §2 forbids, but that lenient decoders accept, each with what is wrong. */
export function otherSpellings(jwt: string): (readonly [name: string, spelling: string])[] {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  return [
    ['padding', `${jwt}==`],
    ['one padding character', `${jwt}=`],
    ['a space in the signature', `${header}.${payload}.${signature.slice(0, 5)} ${signature.slice(5)}`],
    ['a tab in the signature', `${header}.${payload}.${signature.slice(0, 5)}\t${signature.slice(5)}`],
    ['a line break in the signature', `${header}.${payload}.${signature.slice(0, 5)}\r\n${signature.slice(5)}`],
    ['a padded payload', `${header}.${payload}=.${signature}`],
    ['a fourth part', `${jwt}.`],
  ];
}
