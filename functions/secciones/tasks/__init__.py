"""Background functions: what a task may carry, who may call, and what an answer means to the queue."""
