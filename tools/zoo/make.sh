#!/usr/bin/env bash
# Trains the whole zoo from the seed and writes it to public/zoo. See README.md for how long it takes.
#
#   tools/zoo/make.sh [WORK_FOLDER]        (PYTHON names the interpreter; default python3)
#
# Every step leaves a file in the work folder and is skipped when that file exists.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-.cache/zoo}
python=${PYTHON:-python3}
mkdir -p "$work"

data() { # data NAME ARGUMENTS...: the training text of one stage
  local name=$1 what=$2
  shift 2
  [ -e "$work/$name.jsonl" ] && return
  npx tsx tools/zoo/write-data.ts "$what" "$work/$name.part" "$@"
  mv "$work/$name.part" "$work/$name.jsonl"
}

train() { # train NAME DATA SETTINGS...
  local name=$1 from=$2
  shift 2
  [ -e "$work/$name.pt" ] && return
  "$python" tools/zoo/train.py --data "$work/$from.jsonl" --tokenizer "$work/tokenizer" \
    --out "$work/$name.pt" --resume "$@" | tee "$work/$name.log"
}

base() { # base NAME SETTINGS...: one stage of the base
  train "$@" --optimizer muon --weight-decay 0.05 --shape linear --compile
}

specialist() { # specialist DOMAIN RECORDS REPLAY STEPS RATE
  data "$1" specialist "$2" "$1" "$3"
  train "$1" "$1" --init "$work/base.pt" --steps "$4" --lr "$5" --rows 16 --warmup 20 --threads 1
}

if [ ! -e "$work/tokenizer" ]; then
  data tokenizer-text settling 80000 0.5
  "$python" tools/zoo/train_tokenizer.py "$work/tokenizer-text.jsonl" "$work/tokenizer"
fi
data learning learning 440000
data refining refining 150000
data settling settling 45000
base learned learning --lr 3e-3 --muon-lr 0.02 --decay 0.2 --floor 0.2
base refined refining --init "$work/learned.pt" --lr 1.2e-3 --muon-lr 0.008 --warmup 30 --floor 0.1
base base settling --init "$work/refined.pt" --lr 6e-4 --muon-lr 0.004 --warmup 20 --floor 0.05

# In pairs, one thread each: faster than one after the other on two threads.
specialist instruction 24000 0.45 240 4e-4 & first=$!
specialist math 24000 0.45 400 5e-4
wait "$first"
specialist multilingual 24000 0.45 400 5e-4 & first=$!
specialist coding 24000 0.45 240 4e-4
wait "$first"
specialist safety 32000 0.35 520 5e-4

npx tsx tools/zoo/write-data.ts items public/zoo/items test
"$python" tools/zoo/evaluate.py --tokenizer "$work/tokenizer" --items public/zoo/items --threads 2 \
  --models base="$work/base.pt" instruction="$work/instruction.pt" math="$work/math.pt" \
  multilingual="$work/multilingual.pt" coding="$work/coding.pt" safety="$work/safety.pt" \
  --merges soup ta:0.2 ta:0.3 ta:0.4 ta:0.5 ta:0.6 ta:0.7 ta:0.8 ta:1 ta:1.2 ta:1.5 ties:0.2:1 ties:0.5:1 \
  ties:0.5:1.5 dare:0.5:0.6 \
  --out "$work/scores.json" | tee "$work/scores.md"
"$python" tools/zoo/write_zoo.py --weights "$work" --tokenizer "$work/tokenizer" \
  --scores "$work/scores.json" --notes tools/zoo/recipe.json --out public/zoo
"$python" tools/zoo/check_transformers.py public/zoo
