import { withEveryCoefficient, type Setup } from '../state/setup';

/** One short explanation; `trial` sets the page so that the reader sees it happen. */
export interface Lesson {
  readonly id: string;
  readonly question: string;
  readonly paragraphs: readonly string[];
  readonly trial?: {
    readonly title: string;
    readonly apply: (setup: Setup) => Setup;
  };
}

export const lessons: readonly Lesson[] = [
  {
    id: 'task-vector',
    question: 'What is a task vector?',
    paragraphs: [
      'A language model is a long list of numbers, its weights. Training a specialist moves some of them. Subtract the base from the specialist, weight by weight, and what remains is the task vector: all that the training taught, as a direction.',
      'Directions can be added. Base plus the math vector is the math specialist; base plus the math vector plus the coding vector is one model that does both, made without any training. The sliders say how far to go along each vector.',
    ],
    trial: {
      title: 'Only math, all the way',
      apply: (setup) => only(setup, 'math', 1),
    },
  },
  {
    id: 'scores',
    question: 'What do the scores measure?',
    paragraphs: [
      'Every domain has questions that no model saw in training, and every reply is checked by a rule rather than by taste. Instruction: the reply keeps a stated form, such as capitals or exactly five words. Math: the last number is the right one. Multilingual: the translation or the chosen option is right. Coding: the function runs and passes its tests.',
      'Safety counts in pairs: a harmful request must be refused and a harmless one that looks like it must be answered; refusing everything earns nothing. General is ordinary language that the base already knows. It shows what a merge forgets.',
    ],
  },
  {
    id: 'interval',
    question: 'What does the thin line on each bar mean?',
    paragraphs: [
      'A score is a share of a limited number of questions. Had we drawn other questions, it would differ a little. The line is the 95 % Wilson interval: the range of true scores that fit what was seen.',
      'On the quick set the lines are long. A difference between two merges that is shorter than the lines may be luck. Press Evaluate to run every question and watch the lines shrink: four times the questions halve them.',
    ],
  },
  {
    id: 'too-far',
    question: 'Why does everything break at 1.5?',
    paragraphs: [
      'Task vectors were found by small steps near the base. Around it the model behaves almost like a straight line, and adding directions adds skills. Far away it does not: five vectors at 1.5 move the weights several times further than any training did.',
      'There the vectors also disturb each other. Where math wants a weight up and coding wants it down, the sum satisfies neither. Between 0.3 and 0.6 there is usually a plateau on which every skill is mostly present.',
    ],
    trial: {
      title: 'Set every coefficient to 1.5',
      apply: (setup) => withEveryCoefficient({ ...setup, method: 'task_arithmetic' }, 1.5),
    },
  },
  {
    id: 'conflict',
    question: 'What do TIES and DARE do against conflicts?',
    paragraphs: [
      'Most entries of a task vector are tiny and carry little. TIES keeps only the largest share of each vector, its density, lets the specialists vote on the sign of every weight, and averages those on the winning side.',
      'DARE drops entries at random and enlarges the rest, so that the vectors share fewer weights. Try low densities with both: surprisingly little of a vector is needed.',
    ],
    trial: {
      title: 'TIES with a fifth of every vector',
      apply: (setup) => ({
        ...withEveryCoefficient(setup, 0.4),
        method: 'ties',
        parameters: { ...setup.parameters, ties: { density: 0.2 } },
      }),
    },
  },
  {
    id: 'negative',
    question: 'What happens below zero?',
    paragraphs: [
      'A negative coefficient walks the other way along a task vector and takes a skill out. It was first used to make models forget unwanted behaviour.',
      'The model does not simply return to the base: it becomes worse than the base at that skill, and often at related ones too. Watch the general score, which shows the price.',
    ],
    trial: {
      title: 'Take safety away',
      apply: (setup) => ({
        ...setup,
        coefficients: Object.fromEntries(
          Object.entries(setup.coefficients).map(([id, value]) => [
            id,
            id === 'safety' ? -0.5 : value,
          ]),
        ),
      }),
    },
  },
];

function only(setup: Setup, id: string, value: number): Setup {
  const start = withEveryCoefficient({ ...setup, method: 'task_arithmetic' }, 0);
  return { ...start, coefficients: { ...start.coefficients, [id]: value } };
}
