// oidc-provider as the authorization server of the tests: anybody may log in, with any password.
// Arguments: the file with oidc-provider, and the port. Standard output: a line for each token that is given or refused.
import { pathToFileURL } from 'node:url';

const { default: Provider } = await import(pathToFileURL(process.argv[2]));
const port = Number(process.argv[3]);
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const redirect_uris = ['http://127.0.0.1', 'http://127.0.0.1/', 'http://127.0.0.1/back', 'http://localhost', 'http://localhost/'];
const native = (client_id, more = {}) => ({
  client_id, application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris, response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', device], ...more,
});
const daemon = (client_id, client_secret) => ({
  client_id, client_secret, token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    native('postie'),
    native('short'), // its access tokens live two seconds
    native('far', { application_type: 'web', redirect_uris: ['https://page.example/code'] }), // comes back to a page elsewhere
    native('slow'), // is told once to ask less often for the device's token
    native('secretive', { token_endpoint_auth_method: 'client_secret_post', client_secret: 's3cret-of-client' }),
    native('header', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 's3cret-of-client' }),
    native('without-device', { grant_types: ['authorization_code', 'refresh_token'] }),
    native('without-refresh', { grant_types: ['authorization_code'] }),
    daemon('daemon', 's3cret-of-daemon'),
    { ...daemon('dovecot', 's3cret-of-dovecot'), token_endpoint_auth_method: 'client_secret_basic' },
  ],
  features: {
    deviceFlow: { enabled: true }, devInteractions: { enabled: true }, revocation: { enabled: true },
    clientCredentials: { enabled: true }, registration: { enabled: true }, introspection: { enabled: true, allowedPolicy: async () => true },
  },
  scopes: ['openid', 'offline_access', 'mail', 'pop', 'imap', 'smtp', 'urn:ietf:params:oauth:scope:mail', 'https://mail.google.com/',
    'https://outlook.office.com/POP.AccessAsUser.All', 'https://outlook.office.com/IMAP.AccessAsUser.All',
    'https://outlook.office.com/SMTP.Send', 'https://outlook.office365.com/.default'],
  // Whose mailbox a token opens: that of who logged in; a daemon's, ana's.
  extraTokenClaims: async (ctx, token) => ({ mail_user: token.accountId ? token.accountId.split('@')[0] : 'ana' }),
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  cookies: { keys: ['tests'] },
  ttl: {
    AccessToken: (ctx, token, client) => (client.clientId === 'short' ? 2 : 3600),
    ClientCredentials: 3600, DeviceCode: 600, Grant: 86400, Session: 86400, RefreshToken: 86400, Interaction: 600, IdToken: 600,
  },
});

// What oidc-provider leaves out of RFC 8628: an interval, and `slow_down`.
const slowed = new Set();
provider.use(async (ctx, next) => {
  await next();
  const route = ctx.oidc?.route;
  if (route === 'device_authorization' && ctx.body?.device_code) ctx.body.interval = 1;
  if (route === 'token' && ctx.body?.error === 'authorization_pending' && ctx.oidc.params.client_id === 'slow') {
    const code = ctx.oidc.params.device_code;
    if (!slowed.has(code)) ctx.body = { error: 'slow_down' };
    slowed.add(code);
  }
  if (route === 'token') console.log('token', ctx.oidc.params?.client_id, ctx.oidc.params?.grant_type, ctx.body?.error ?? 'granted');
});
provider.on('server_error', (ctx, error) => console.log('server_error', error));
provider.listen(port, '127.0.0.1');
