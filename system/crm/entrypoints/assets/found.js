// What a search found is walked through with the keyboard.
window.alexandrite.keys(document.getElementById("found"));
