/** Where a provider processes texts, and the agreement under which it does. '' where nobody has said so. */
export interface TextTerms {
  region: string;
  agreement: string;
}

/** Which providers may be given texts. */
export interface TextRules {
  /** Empty: in every region. */
  textRegions: readonly string[];
  textAgreementRequired: boolean;
}

/** Returns why a provider may not be given texts; undefined: it may. */
export function textRefusal(
  terms: { [T in keyof TextTerms]?: string | undefined },
  rules: TextRules,
): 'region' | 'agreement' | undefined {
  const { textRegions, textAgreementRequired } = rules;
  if (textRegions.length > 0 && !textRegions.includes(terms.region ?? '')) return 'region';
  return textAgreementRequired && !terms.agreement ? 'agreement' : undefined;
}
