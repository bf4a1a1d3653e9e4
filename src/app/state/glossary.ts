/** Words that need a definition where they stand on the page: one or two plain sentences each. */
export const glossary = {
  base: 'The model that all specialists were trained from. It speaks, but has few skills.',
  specialist: 'A copy of the base that was trained further on one domain.',
  coefficient:
    'How much of a specialist goes into the merge. 0 leaves it out, 1 adds all it learned, below 0 takes its skill away.',
  interval:
    'A 95 % Wilson interval. With few test items the true score may lie anywhere in it; two scores whose intervals overlap widely may well be equal.',
  normalised:
    'The merge’s score in a domain divided by the score of that domain’s own specialist, as a mean over the five domains. 100 % means: one model as good as five.',
  kept: 'The share of what the specialists gained over the base that the merge still has: 0 % is the base, 100 % the specialists, below 0 % it is worse than the base.',
  forgetting:
    'Points gained or lost on general language items compared with the base. A minus is forgetting: what the merge no longer knows.',
  mean: 'The mean of the five domain scores; general language is left out, since no specialist trains it.',
  quick:
    'A small fixed subset of the items, spread over all kinds of question: quick, with wide intervals.',
  full: 'Every held-out item of every domain: slower, with narrow intervals.',
  shader:
    'A program that runs on the graphics processor, once for every weight. It is generated from the method’s formula.',
  temperature:
    '0 always takes the likeliest next token, so the reply is the same every time. Higher values draw at random.',
  token: 'A piece of text the model reads or writes at once: a short word or part of one.',
  seed: 'The number the random draws start from. The same seed gives the same merge on every machine.',
  hash: 'A fingerprint of the settings. Equal settings have equal hashes, wherever they were made.',
} as const;

export type TermId = keyof typeof glossary;
