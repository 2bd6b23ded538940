document.body.textContent = 'plant';
