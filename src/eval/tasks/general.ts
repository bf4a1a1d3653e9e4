import { factKind, factsOf, neighbourFacts, type Fact } from './general-cloze';
import { generalStoryKinds } from './general-stories';
import type { TaskKind } from './task';
import {
  animalSounds,
  categories,
  jobPlaces,
  letters,
  months,
  opposites,
  pastTenses,
  plurals,
  rhymeGroups,
  thingColors,
  toolUses,
  weekdays,
  youngAnimals,
} from './words-facts';
import { numberWords } from './words-things';

const categoryFacts: readonly Fact[] = Object.entries(categories).flatMap(([answer, members]) =>
  members.map((subject) => ({ subject, answer })),
);

const oppositeFacts: readonly Fact[] = opposites.flatMap(([left, right]) => [
  { subject: left, answer: right },
  { subject: right, answer: left },
]);

/** Each word asks for the next of its group; all others of the group are right too. */
const rhymeFacts: readonly Fact[] = rhymeGroups.flatMap((group) =>
  group.map((subject, index) => {
    const others = [...group.slice(index + 1), ...group.slice(0, index)];
    return { subject, answer: others[0] ?? '', alsoRight: others.slice(1) };
  }),
);

/** Cloze and questions of plain English; the base model has to know these. */
export const generalKinds: readonly TaskKind[] = [
  factKind({
    id: 'general/opposites',
    facts: oppositeFacts,
    frames: [
      'The opposite of {} is',
      'What is the opposite of {}?',
      'Opposite of {}:',
      'Not {} but',
      'Which word is the reverse of {}?',
      'Name the opposite of {}.',
      'Say a word that means the opposite of {}.',
      'If {} is wrong, the answer is',
    ],
  }),
  factKind({
    id: 'general/categories',
    facts: categoryFacts,
    frames: [
      'In one word, what is {}?',
      'Which group does {} belong to?',
      'The word {} names a kind of',
      'Category of {}:',
      'Say what sort of thing {} is.',
      '{} is one kind of',
      'To which class does {} belong?',
      'What do we call things like {}?',
    ],
  }),
  factKind({
    id: 'general/next-day-or-month',
    facts: [...neighbourFacts(weekdays, 1, true), ...neighbourFacts(months, 1, true)],
    frames: [
      'After {} comes',
      'What comes after {}?',
      'What follows {}?',
      'Next after {}:',
      'When {} is over, it is',
      'Which one is next after {}?',
      'Name what comes right after {}.',
      'It is {} now. Next comes',
    ],
  }),
  factKind({
    id: 'general/previous-day-or-month',
    tail: true,
    share: 0.6,
    facts: [...neighbourFacts(weekdays, -1, true), ...neighbourFacts(months, -1, true)],
    frames: [
      'Before {} comes',
      'What comes before {}?',
      'What is just before {}?',
      'Right before {}:',
      'Which one is before {}?',
      'Name what comes right before {}.',
      'It is {} now. Before it was',
      'Until {} starts, it is',
    ],
  }),
  factKind({
    id: 'general/plurals',
    facts: factsOf(plurals),
    frames: [
      'One {}, two',
      'The plural of {} is',
      'What is the plural of {}?',
      'Plural of {}:',
      'I have one {} and you have three',
      'More than one {}:',
      'Write {} in the plural.',
      'Here is a {}. There are many',
    ],
  }),
  factKind({
    id: 'general/young-animals',
    facts: factsOf(youngAnimals),
    frames: [
      'A young {} is a',
      'What is a young {} called?',
      'A baby {} is called a',
      'Name for a young {}:',
      'What do we call a baby {}?',
      'The child of a {} is a',
      'Say the word for a young {}.',
      'A {} was once a',
      'Before it grows up, a {} is a',
      'Which word means a young {}?',
    ],
  }),
  factKind({
    id: 'general/colors',
    facts: factsOf(thingColors),
    frames: [
      'What color is {}?',
      'The color of {} is',
      'Color of {}:',
      'Tell me the color of {}.',
      'Which color does {} have?',
      'We paint {} in',
      'If I draw {}, I use',
      'Name the color of {}.',
    ],
  }),
  factKind({
    id: 'general/work-places',
    facts: factsOf(jobPlaces),
    frames: [
      'Where does {} work?',
      'Place of work of {}:',
      'In which place does {} work?',
      'You can meet {} in the',
      'Look for {} at the',
      'Name the place where {} works.',
      'The work of {} is done in a',
      'To find {}, go to the',
    ],
  }),
  factKind({
    id: 'general/tool-uses',
    facts: factsOf(toolUses),
    frames: [
      'What do you do with {}?',
      'With {} you can',
      'Use of {}:',
      '{} helps us to',
      'We need {} to',
      'Why do people have {}? To',
      'Say what {} is good for.',
      'I take {} because I want to',
    ],
  }),
  factKind({
    id: 'general/past-tense',
    facts: factsOf(pastTenses),
    frames: [
      'Today I {}. Yesterday I',
      'The past tense of {} is',
      'What is the past of {}?',
      'Past tense of {}:',
      'Put {} in the past.',
      'Now we {}. Last week we',
      'They {} every day. Once they',
      'Which word is the past form of {}?',
    ],
  }),
  factKind({
    id: 'general/animal-sounds',
    facts: factsOf(animalSounds),
    frames: [
      'What sound does the {} make?',
      'The {} says',
      'Sound of the {}:',
      'You hear the {} go',
      'What does the {} say?',
      'In the farm book, the {} goes',
      'Name the sound of the {}.',
      'If you meet a {}, you will hear',
    ],
  }),
  factKind({
    id: 'general/rhymes',
    facts: rhymeFacts,
    frames: [
      'Which word rhymes with {}?',
      'A word that rhymes with {} is',
      'Rhyme for {}:',
      'Give me a rhyme for {}.',
      'What sounds like {}?',
      'Find a rhyme: {} and',
      'In my poem, {} rhymes with',
      'Say a word that ends like {}.',
    ],
  }),
  factKind({
    id: 'general/letters',
    facts: neighbourFacts(letters, 1, false),
    frames: [
      'Which letter comes after {}?',
      'The letter after {} is',
      'Next letter after {}:',
      'In the alphabet, {} is followed by',
      'Say the letter that follows {}.',
      'What letter is next to {}, on its right?',
      'After the letter {} we write',
      'Go one letter on from {}.',
    ],
  }),
  factKind({
    id: 'general/number-words',
    facts: neighbourFacts(numberWords, 1, false),
    frames: [
      'Count on: {},',
      'Which number comes after {}?',
      'The number after {} is',
      'Next number after {}:',
      'One more than {} is',
      'I count {} and then',
      'What number follows {}?',
      'Add one to {}:',
    ],
  }),
  ...generalStoryKinds,
];
