# %% [markdown]
# # 00 · Start here: exercises
#
# Two short ones, a quarter of an hour, to meet the checks and your first model.
#
# Replace each `raise NotStarted` or `...` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("00.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.

# %%
from course_utils import NotStarted, check, hint

# %% [markdown]
# ## Exercise 1 · The share of right answers · difficulty ●○○ · importance ●●● · 5 minutes
#
# A model's guesses and the true answers come as two lists of the same length. **Accuracy** is the share of guesses that are right, a number between 0 and 1.
#
# In the lesson this function had a usual mistake in it. Write it yourself.


# %%
def accuracy(guesses: list[str], answers: list[str]) -> float:
    """The share of guesses that are right."""
    ### BEGIN SOLUTION
    right = sum(guess == answer for guess, answer in zip(guesses, answers, strict=True))
    return right / len(answers)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("00.1", accuracy)

# %% [markdown]
# Now use it. This is the model of the lesson again, trained in the same way.

# %%
from course_utils import (
    TrainConfig,
    chosen,
    encode,
    load_model,
    load_task,
    load_tokenizer,
    predict_labels,
    train,
)

MODEL = chosen("model", "mini-encoder")
task = load_task(chosen("data", "sentiment"), train_rows=128, seed=0)
tokenizer = load_tokenizer(MODEL)
model = load_model(MODEL, task, seed=0)
rate = 1e-3 if model.num_parameters() < 5_000_000 else 5e-5
config = TrainConfig(epochs=10, batch_size=16, learning_rate=rate, warmup_share=0.1, seed=0)
train(model, encode(task, tokenizer)["train"], config)

# %%
rows = task.rows["test"]
guesses = predict_labels(model, tokenizer, rows[task.text][:])["label"]
answers = [task.label_names[label] for label in rows[task.label]]
print(f"accuracy on {len(rows)} test rows: {accuracy(list(guesses), answers):.2f}")

# %% [markdown]
# ## Exercise 2 · One word that turns the label · difficulty ●○○ · importance ●●○ · 10 minutes
#
# What does the model listen to? The cleanest way to find out is a **minimal pair**: two sentences that differ in exactly one word, and an answer that differs too. Then it was that word.
#
# Write such a pair about something that this town reviews: food, an inn, a play, a concert, a shop. Your model should call the first sentence positive and the second negative, and give at least .8 to each. Try sentences with `ask` first.


# %%
def ask(sentence: str) -> tuple[str, float]:
    """The label that your model gives, and its probability."""
    found = predict_labels(model, tokenizer, sentence).iloc[0]
    return found["label"], float(found["probability"])


ask("The waiter brought the soup.")

# %%
### BEGIN SOLUTION
praise = "The soup at the inn was delicious."
blame = "The soup at the inn was watery."
### END SOLUTION

# %%
# NBVAL_CHECK_OUTPUT
check("00.2", {"praise": praise, "blame": blame, "ask": ask})

# %% [markdown]
# A pair proves something about one sentence. If you like, go on: find a word for which the pair does *not* turn the label, and look at it with `tokenizer.tokenize`. Was it cut into pieces, or is it a word whose mood this town never showed?
#
# ## What you have now
#
# - a score that you can explain to anyone;
# - a way to ask a model what it listens to;
# - two lines in `course progress`.
