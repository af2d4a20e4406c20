import { setting, worker } from '../setting.ts';
import { country, flag, identityPatterns, names, optional, placeName, text } from '../value-types.ts';

export const textsAtProviders = {
  modelRegion: setting({
    env: 'MODEL_REGION',
    type: placeName,
    default: '',
    unit: 'name',
    text: 'Where the provider of OPENAI_BASE_URL processes texts, such as EU. The name is yours: TEXT_REGIONS compares it.',
    readBy: worker,
  }),
  modelAgreement: setting({
    env: 'MODEL_AGREEMENT',
    type: text(200),
    default: '',
    unit: 'text',
    text: 'Your agreement with the provider of OPENAI_BASE_URL about processing texts, such as its number and date. The operations page shows it.',
    readBy: worker,
  }),
  textRegions: setting({
    env: 'TEXT_REGIONS',
    type: names,
    default: '',
    unit: 'names',
    text: 'The regions to which texts may go, separated by commas. A provider of another region is never asked, also not as a fallback. Empty: texts may go to every region.',
    readBy: worker,
  }),
  textAgreementRequired: setting({
    env: 'TEXT_AGREEMENT_REQUIRED',
    type: flag,
    default: 'false',
    unit: 'true or false',
    text: 'Whether a provider without an agreement is never asked.',
    readBy: worker,
  }),
  removeIdentities: setting({
    env: 'REMOVE_IDENTITIES',
    type: flag,
    default: 'false',
    unit: 'true or false',
    text: 'Whether email addresses, phone numbers and record numbers are replaced by placeholders in what a provider is sent, and put back into its answer. Patterns find patterns, not names: see docs/security.md.',
    readBy: worker,
  }),
  phoneCountry: setting({
    env: 'PHONE_COUNTRY',
    type: optional(country),
    default: '',
    unit: 'country code',
    text: 'The country of phone numbers without an international prefix, such as DE. Left out: only numbers that begin with + are found as phone numbers.',
    readBy: worker,
  }),
  identityPatterns: setting({
    env: 'IDENTITY_PATTERNS',
    type: identityPatterns,
    default: '',
    unit: 'pairs',
    text: 'More that REMOVE_IDENTITIES removes, such as CASE:F-######,WARD:@@-##. Each pair is a name of capital letters, a colon, and a pattern, in which # stands for a digit and @ for a letter.',
    readBy: worker,
  }),
} as const;
