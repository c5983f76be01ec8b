"""What is read: exams, their radiographs and reports."""
