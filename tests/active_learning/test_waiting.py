from analysis.active_learning.waiting import first_open, invitation


def test_the_first_round_without_readings_waits(tmp_path):
    rounds = [(str(tmp_path / f"{n}/queue.csv"), str(tmp_path / f"{n}/readings.csv")) for n in range(3)]
    assert first_open(rounds) == type(first_open(rounds))(0, *rounds[0])  # nothing has been made yet
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / f"{number}/queue.csv").write_text("exam\na\n")
        waiting = first_open(rounds)
        assert waiting and (waiting.number, waiting.queue) == (number, rounds[number][0])
        (tmp_path / f"{number}/readings.csv").write_text("exam\n")
    assert first_open(rounds) is None
    (tmp_path / "1/queue.csv").write_text("exam\n")  # it asks for nothing: reading can stop
    waiting = first_open(rounds)
    assert waiting and waiting.number == 1 and waiting.queue is None


def test_readers_are_told_commands_that_can_be_pasted(tmp_path):
    waiting = first_open([(str(tmp_path / "a queue.csv"), str(tmp_path / "my readings/readings.csv"))])
    assert waiting
    said = invitation(waiting, "/data/our knees", "results/ours", "kl", "settings.yaml")
    assert "--archive '/data/our knees' --cohort results/ours --grading kl" in said
    assert f"--queue '{tmp_path}/a queue.csv'" in said and f"--out '{tmp_path}/my readings'" in said
