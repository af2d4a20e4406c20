import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { emergencyNumbers, readsLikeEmergency } from '../../../src/web/chat/emergency.ts';

/** Patterns of the numbers for emergencies, by region, as libphonenumber has them. */
const known = JSON.parse(readFileSync(join(import.meta.dirname, 'emergency-numbers.json'), 'utf8')) as {
  emergency: Record<string, string>;
};

test.each([
  'I have chest pain and my left arm is numb',
  'my dad CAN’T BREATHE',
  'She is unconscious and not responding',
  'I think he had a stroke, his face is drooping',
  'the wound is bleeding heavily',
  'My son swallowed bleach!',
  'Ich bekomme keine Luft',
  'Meine Mutter ist bewußtlos... bewusstlos',
  'Starke Schmerzen in der Brust',
  'Je ne peux plus respirer',
  'Mi padre tiene dolor en el pecho',
  'Mio marito ha un dolore al petto',
  'ألم في الصدر',
  'אני לא מצליח לנשום',
])('%j reads like an emergency', (text) => {
  expect(readsLikeEmergency(text)).toBe('medical');
});

test.each([
  'I want to kill myself',
  'how can I end my life',
  'thinking about suicide',
  'Ich will mich umbringen',
  "J'ai envie de mourir",
  'Quiero morir',
  'أفكر في الانتحار',
])('%j reads like a crisis', (text) => {
  expect(readsLikeEmergency(text)).toBe('crisis');
});

test.each([
  'What are healthy eating habits?',
  'What are the signs of a stroke?',
  'How do people prevent a heart attack?',
  'What is anaphylaxis?',
  'Was ist ein Herzinfarkt?',
  'I broke my heart and need chocolate',
  'Can you write an essay on blood pressure?',
  'How do I breathe when I run?',
  'خبز صحي',
  '',
])('%j reads like none', (text) => {
  expect(readsLikeEmergency(text)).toBeUndefined();
});

test('the rules take no long time, however long and odd the text is', () => {
  const odd = ['a ', 'blood ', 'swallowed ', 'can not ', '😀', 'face '].map((piece) =>
    piece.repeat(16_000 / piece.length),
  );
  for (const text of odd) expect(readsLikeEmergency(text)).toBeUndefined();
});

test.each([
  [['en-US'], 'US', ['911'], ['988']],
  [['en-GB', 'en-US'], 'GB', ['999', '112'], ['116 123']],
  [['de', 'de-DE'], 'DE', ['112'], ['0800 111 0 111', '116 123']],
  [['sv-SE'], 'SE', ['112'], []],
  [['hi-IN'], 'IN', ['112', '108'], ['14416']],
])('a browser with %j shows the numbers of %s', (locales, region, emergency, crisis) => {
  expect(emergencyNumbers(locales)).toEqual({ region, emergency, crisis });
});

// Without Serbia: that list has its numbers as they were before each got a 1 in front.
test.each(Object.entries(known.emergency))('in %s, each number is one for emergencies', (region, pattern) => {
  const { emergency } = emergencyNumbers([`und-${region}`]);
  for (const number of emergency) expect(number).toMatch(new RegExp(`^(?:${pattern})$`));
});

/** Where 112 is not the number of the ambulance, and who says so. */
test.each([
  [
    'AL',
    ['127', '112'],
    'https://germo.al/ministrja-e-shendetesise-95-mije-misione-realizuar-nga-urgjenca-kombetare-mjekesore/',
  ],
  ['BA', ['124'], 'https://www.rtvslon.ba/eu-danas-slavi-broj-koji-bih-skoro-deceniju-ne-moze-uvesti/'],
  ['RS', ['194'], 'https://www.studyinserbia.rs/en/living-in-serbia/health'],
  [
    'SM',
    ['118'],
    'https://www.sanmarinortv.sm/news/attualita-c4/iss-accessi-stabili-al-pronto-soccorso-ma-aumentano-urgenze-e-codici-rossi-a280748',
  ],
])('in %s, the ambulance is called at %j', (region, numbers) => {
  expect(emergencyNumbers([`und-${region}`]).emergency).toEqual(numbers);
});

/** Who says so. */
test.each([
  [
    'US',
    ['988'],
    'https://www.msdmanuals.com/de/heim/kurzinformationen-psychische-gesundheitsst%C3%B6rungen/selbstmordverhalten-und-selbstverletzung/selbstmordverhalten',
  ],
  ['CA', ['988'], 'https://en.wikipedia.org/wiki/988_(telephone_number)'],
  ['GB', ['116 123'], 'https://www.samaritans.org/how-we-can-help/contact-samaritan/'],
  [
    'IE',
    ['116 123'],
    'https://www.irishtimes.com/news/samaritans-freephone-helpline-will-save-lives-says-lynch-1.526624',
  ],
  ['AU', ['13 11 14'], 'https://www.suicidepreventionaust.org/october-member-of-the-month-lifeline/'],
  ['NZ', ['1737'], 'https://www.pegasus.health.nz/?p=6300'],
  ['DE', ['0800 111 0 111', '116 123'], 'http://ansbach-evangelisch.de/jeder-braucht-mal-hilfe/'],
  ['AT', ['142'], 'https://ooe.orf.at/stories/3204589/'],
  ['CH', ['143'], 'https://www.bag-blueprint.ch/die-dargebotene-hand-tel-143'],
  ['FR', ['3114'], 'https://3114.fr/que-se-passe-t-il-quand-je-contacte-le-3114/'],
  ['ES', ['024'], 'https://www.rtve.es/noticias/20220509/sanidad-presenta-telefono-prevencion-suicidio/2347183.shtml'],
  [
    'NL',
    ['113'],
    'https://www.upday.com/nl/binnenland/nummer-113-nu-gratis-betere-hulp-bij-zelfdodingsgedachten/pj8neqt',
  ],
  [
    'BR',
    ['188'],
    'http://www.folhadoestado.com.br/numero-188-torna-se-gratuito-no-pais-todo-telefone-de-ajuda-a-prevencao-do-suicidio/',
  ],
  [
    'IN',
    ['14416'],
    'https://theshillongtimes.com/2025/02/07/tele-manas-mental-health-helpline-handles-over-18-1-lakh-calls-centre/',
  ],
  ['IL', ['1201'], 'https://jerusaleminstitute.org.il/en/blog/with-days-like-this/'],
])('in %s, somebody to talk to is at %j', (region, numbers) => {
  expect(emergencyNumbers([`und-${region}`]).crisis).toEqual(numbers);
});

test('without a region that we know, the numbers are those that reach most people, and no crisis line is guessed', () => {
  for (const locales of [['en'], ['xx-QQ'], ['not a locale!'], []]) {
    expect(emergencyNumbers(locales)).toEqual({ region: undefined, emergency: ['112', '911'], crisis: [] });
  }
});
