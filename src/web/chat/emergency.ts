// When a text reads like an emergency, the page shows whom to call. This is no diagnosis: these rules look for words, they
// miss emergencies, and they find some where there is none. They never leave the browser, and change nothing that is asked.

/** What a text may be about. `crisis`: somebody may want to hurt themselves. */
export type EmergencyKind = 'medical' | 'crisis';

/** Words that make a text read like an emergency, by language. Each is looked for in lower case, without accents. */
const signs: Record<EmergencyKind, readonly RegExp[]> = {
  crisis: [
    /\b(kill|hang|shoot|hurt|harm|cut) (myself|my self)\b|\bsuicid|\bend(ing)? (my|it all)( life)?\b|\b(want|wish|going) to die\b|\bbetter off dead\b|\bself.?harm/,
    /\bselbstmord|\bsuizid|\b(mich|mir) (umbringen|das leben nehmen|was antun|etwas antun)|\bnicht mehr leben\b|\bwill sterben\b/,
    /\bme (tuer|suicider)\b|\benvie de mourir\b|\bveux mourir\b|\bmettre fin a (mes jours|ma vie)/,
    /\b(quiero|voy a) (morir|matarme|suicidarme)|\bquitarme la vida\b|\bme quiero morir\b/,
    /\b(voglio|vorrei) (morire|uccidermi)|\btogliermi la vita\b|\bquero (morrer|me matar)\b|\btirar (a )?minha vida\b/,
    /انتحار|اقتل نفسي|اريد ان اموت|להתאבד|רוצה למות/,
  ],
  medical: [
    /\b(chest|heart) (pain|pressure|attack)|\bpain in (my|the|his|her) chest\b|\bcrushing\b.*\bchest\b|\b(ca n.?t|can.?t|cannot|can not|unable to|hard to|trouble|stopped|not) breath(e|ing)\b|\bshort(ness)? of breath\b.*\b(sudden|blue|worse)/,
    /\b(unconscious|passed out|unresponsive|not responding|collapsed|choking|anaphyla|overdos\w*|seizure|stroke)\b|\b(face|mouth) (is )?droop|\bslurred speech\b|\b(bleeding|blood)\b.*\b(heavily|won.?t stop|a lot|everywhere|not stop)|\b(swallowed|drank|took)\b.*\b(bleach|poison|all (the|my) pills|too many pills)/,
    /\b(brustschmerz|herzinfarkt|herzanfall|schlaganfall|bewusstlos|atemnot|erstick|vergiftet|uberdosis|krampfanfall)|\bschmerzen? in der brust\b|\b(bekomm\w*|krieg\w*) (kaum|keine) luft\b|\bblutet? (stark|sehr)\b/,
    /\bdouleurs? (a|dans) la poitrine\b|\bcrise cardiaque\b|\binfarctus\b|\b(avc|inconscient|inconsciente|overdose)\b|\b(n.?arrive pas a|ne peux? (pas|plus)|peut (pas|plus)) respirer\b|\bs.?etouffe\b|\bsaigne (beaucoup|abondamment)\b/,
    /\bdolor (en el|de) pecho\b|\b(infarto|derrame|inconsciente|sobredosis|convulsion\w*|atragant\w*)\b|\bno (puedo|puede) respirar\b|\bsangra (mucho|sin parar)\b/,
    /\bdolore al petto\b|\bnon (riesco|riesce) a respirare\b|\b(infarto|ictus|svenut[oa]|privo di sensi)\b|\bdor no peito\b|\bnao (consigo|consegue) respirar\b|\bdesmaiou\b/,
    /الم في الصدر|لا استطيع التنفس|نوبة قلبية|فاقد الوعي|כאב בחזה|לא מצליח לנשום|התקף לב|מחוסר הכרה/,
  ],
};

/** Words that only ask about it. With them, a text that has only a medical sign shows nothing. */
const ASKS_IN_GENERAL =
  /^\s*(what (is|are|causes?)|how (do|does|can) (people|doctors|one|you) (prevent|treat|get)|define|explain|was ist|was sind|qu.?est.ce|que es|cos.?e)\b|\b(risk|risks|risiko|prevent\w*|history|article|essay|homework|statistics?)\b/;

/** Returns what a text reads like; undefined if it reads like no emergency. It is no diagnosis. */
export function readsLikeEmergency(text: string): EmergencyKind | undefined {
  const plain = text
    .normalize('NFD')
    // Latin accents, and the marks of Arabic and Hebrew.
    .replace(/[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]/g, '')
    .replace(/[أإآ]/g, 'ا')
    .replace(/’/g, "'")
    .toLowerCase();
  if (signs.crisis.some((sign) => sign.test(plain))) return 'crisis';
  return signs.medical.some((sign) => sign.test(plain)) && !ASKS_IN_GENERAL.test(plain) ? 'medical' : undefined;
}

/** Whom to call. */
export interface EmergencyNumbers {
  /** undefined: we do not know where the reader is. */
  region: string | undefined;
  emergency: readonly string[];
  /** Somebody to talk to, day and night. */
  crisis: readonly string[];
}

/**
 * The ambulance, by region. Regions that are not named here have no entry, because a wrong number is worse than none. A test compares
 * them with the emergency numbers of libphonenumber.
 */
const ambulance: Readonly<Record<string, readonly string[]>> = {
  US: ['911'],
  CA: ['911'],
  MX: ['911'],
  GB: ['999', '112'],
  IE: ['112', '999'],
  AU: ['000'],
  NZ: ['111'],
  IN: ['112', '108'],
  JP: ['119'],
  KR: ['119'],
  CN: ['120'],
  TW: ['119'],
  HK: ['999'],
  SG: ['995'],
  BR: ['192'],
  AR: ['107'],
  CL: ['131'],
  CO: ['123'],
  ZA: ['10177', '112'],
  IL: ['101'],
  AE: ['998'],
  SA: ['997'],
  EG: ['123'],
  TR: ['112'],
  UA: ['103', '112'],
  CH: ['144', '112'],
  NO: ['113', '112'],
  IS: ['112'],
  // Here 112 is no number (BA, SM), or not sure to reach an ambulance.
  AL: ['127', '112'],
  BA: ['124'],
  RS: ['194'],
  SM: ['118'],
};
/** Where 112 reaches an ambulance. */
const EUROPE = 'AT BE BG HR CY CZ DK EE FI FR DE GR HU IT LV LI LT LU MT NL PL PT RO SK SI ES SE AD MC VA ME MK'.split(
  ' ',
);

/** Lines that answer day and night, at no cost or that of a local call. The test has the source of each. */
const crisisLines: Readonly<Record<string, readonly string[]>> = {
  US: ['988'],
  CA: ['988'],
  GB: ['116 123'],
  IE: ['116 123'],
  AU: ['13 11 14'],
  NZ: ['1737'],
  DE: ['0800 111 0 111', '116 123'],
  AT: ['142'],
  CH: ['143'],
  FR: ['3114'],
  ES: ['024'],
  NL: ['113'],
  BR: ['188'],
  IN: ['14416'],
  IL: ['1201'],
};

/**
 * Returns the numbers of a reader's region.
 * @param locales as in `navigator.languages`. The first one that names a region decides
 */
export function emergencyNumbers(locales: readonly string[]): EmergencyNumbers {
  const region = locales.map(regionOf).find((found) => found !== undefined);
  const emergency = region && (ambulance[region] ?? (EUROPE.includes(region) ? ['112'] : undefined));
  if (!region || !emergency) return { region: undefined, emergency: ['112', '911'], crisis: [] };
  return { region, emergency, crisis: crisisLines[region] ?? [] };
}

function regionOf(locale: string): string | undefined {
  try {
    return new Intl.Locale(locale).region;
  } catch {
    return undefined;
  }
}
