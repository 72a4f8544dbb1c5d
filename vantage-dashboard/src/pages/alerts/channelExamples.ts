import type { Api } from '../../api/types';

/** How addresses of channels are written; docs/alert-channels.md has the same. */

export type ChannelKind = Api<'ChannelView'>['kind'];

export const KIND_WORDS: Record<ChannelKind, string> = { webhook: 'Webhook', apprise: 'Apprise' };

export const ADDRESSES: Record<ChannelKind, readonly [service: string, address: string][]> = {
  webhook: [['HTTP POST of JSON, signed', 'https://hooks.example.com/vantage']],
  apprise: [
    ['Slack', 'slack://TokenA/TokenB/TokenC/#alerts'],
    ['PagerDuty', 'pagerduty://IntegrationKey@ApiKey'],
    ['E-mail', 'mailtos://user:password@example.com?to=oncall@example.com'],
    ['Microsoft Teams', 'workflows://host/workflow/signature'],
    ['Discord', 'discord://WebhookId/WebhookToken'],
    ['Telegram', 'tgram://BotToken/ChatId'],
  ],
};
