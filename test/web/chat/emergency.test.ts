import { expect, test } from '@jest/globals';
import { emergencyNumbers, readsLikeEmergency } from '../../../src/web/chat/emergency.ts';

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

test('without a region that we know, the numbers are those that reach most people, and no crisis line is guessed', () => {
  for (const locales of [['en'], ['xx-QQ'], ['not a locale!'], []]) {
    expect(emergencyNumbers(locales)).toEqual({ region: undefined, emergency: ['112', '911'], crisis: [] });
  }
});
