// Customers are walked through with the keyboard.
window.alexandrite.keys(document.getElementById("customers"));
