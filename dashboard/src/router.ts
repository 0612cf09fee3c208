/** The screens and their addresses. Every screen but the overview is loaded when it is first opened. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import OverviewPage from './overview/OverviewPage.vue';

/** Another subject is another screen: nothing of the one before may linger on it. */
const ONE_SUBJECT = { keyed: true };

const routes: RouteRecordRaw[] = [
  { path: '/', component: OverviewPage },
  { path: '/stations', component: () => import('./stations/StationsPage.vue') },
  { path: '/stations/:id', component: () => import('./stations/StationPage.vue'), props: true, meta: ONE_SUBJECT },
  { path: '/coldchain', component: () => import('./coldchain/ColdChainPage.vue') },
  { path: '/coldchain/:id', component: () => import('./coldchain/FridgePage.vue'), props: true, meta: ONE_SUBJECT },
  { path: '/alerts/:id?', component: () => import('./alerts/AlertsPage.vue'), props: true },
  { path: '/contracts/:id?', component: () => import('./contracts/ContractsPage.vue'), props: true },
  { path: '/ledger', component: () => import('./ledger/LedgerPage.vue') },
  { path: '/records/:id', component: () => import('./ledger/RecordPage.vue'), props: true, meta: ONE_SUBJECT },
  { path: '/forks/:id', component: () => import('./ledger/ForkPage.vue'), props: true, meta: ONE_SUBJECT },
  { path: '/flags', component: () => import('./quality/FlagsPage.vue') },
  { path: '/quarantine', component: () => import('./quarantine/QuarantinePage.vue') },
  { path: '/channels/:id?', component: () => import('./channels/ChannelsPage.vue'), props: true },
  { path: '/verify', component: () => import('./verify/VerifyPage.vue') },
  { path: '/:rest(.*)*', component: () => import('./frame/NotFoundPage.vue') },
];

export function createScreens() {
  return createRouter({ history: createWebHistory(), routes, scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 } });
}
