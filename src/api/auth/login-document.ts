/**
 * A page about logins, which works without scripts.
 * @param options.styleSheet its address
 * @param options.main HTML; whatever is not ours in it must be escaped
 */
export const loginDocument = ({
  title,
  styleSheet,
  main,
}: {
  title: string;
  styleSheet: string;
  main: string;
}) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="stylesheet" href="${styleSheet}">
  </head>
  <body class="login">
    <main>
      ${main}
    </main>
  </body>
</html>
`;
