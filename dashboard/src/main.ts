import './ui/tokens.css';
import './ui/base.css';
import { createApp } from 'vue';
import AppFrame from './frame/AppFrame.vue';
import { applyPreferences, startLocale } from './frame/preferences.ts';
import { setRequestContext } from './http/http-client.ts';
import { createMessages } from './i18n/i18n.ts';
import { LIVE, LiveStore } from './live/live-store.ts';
import { createScreens } from './router.ts';
import { SESSION, SessionStore } from './session/session.ts';
import { SIGNING_KEY, SigningKeyStore } from './session/signing-key.ts';
import { CHECKPOINTS, CheckpointWatch } from './verify/checkpoint-watch.ts';

applyPreferences();
const locale = startLocale();
setRequestContext({ locale });
const live = new LiveStore();
const session = new SessionStore(() => void live.refetch());
const checkpoints = new CheckpointWatch(() => live.now.value);
const app = createApp(AppFrame);
app
  .use(createMessages(locale))
  .use(createScreens())
  .provide(LIVE, live)
  .provide(SESSION, session)
  .provide(CHECKPOINTS, checkpoints)
  .provide(SIGNING_KEY, new SigningKeyStore());
app.mount('#app');
void session.load();
void live.start();
checkpoints.start(live);
