# What the `flask` program reads before it starts; `.env` beside it is where settings go.
FLASK_APP=app.commands.program
